-- SPDX-License-Identifier: MIT
--
-- The built-in policy "standard": RFC 9989 section 7.4. A domain owner's p=reject alone is no reason
-- to refuse a message, because forwarders and mailing lists break authentication every day: without
-- other knowledge it is quarantined, as p=quarantine asks. Trouble with DNS is nobody's fault: the
-- message is taken (a tenant may ask to defer instead). A From field that names no single domain would
-- get around DMARC altogether (RFC 9989 section 11.5), so it is quarantined as well.

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if not m.from.domain then -- several domains, none, or none that can be read: DMARC cannot protect
    return moon.quarantine { reason = "From names no single domain: " .. (m.from.reason or "unknown") }
  end
  if m.dmarc.result ~= "fail" then
    return moon.accept {}
  end
  local asked <const> = m.dmarc.policy
  if asked == "reject" then
    return moon.quarantine {
      override = "local_policy",
      comment = "p=reject is quarantined here",
      reason = "DMARC policy of " .. m.from.domain .. " asks for reject",
    }
  end
  if asked == "quarantine" then
    return moon.quarantine { reason = "DMARC policy of " .. m.from.domain .. " asks for quarantine" }
  end
  return moon.accept {}
end

return policy
