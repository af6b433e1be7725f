-- SPDX-License-Identifier: MIT
--
-- Example tenant: refuse what is forged beyond doubt. A domain that publishes "v=spf1 -all", a null MX
-- and p=reject sends no mail and gets none: nobody's forwarder or mailing list can have broken the
-- authentication of a message from it, since there was none to break. Whatever else fails is left to
-- the layers below, and so is a domain of which DNS did not say so.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if m.dmarc.parked then
    return moon.reject { esc = "5.7.1", text = m.from.domain .. " sends no mail (null SPF, null MX, p=reject)" }
  end
end

return policy
