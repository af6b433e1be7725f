-- SPDX-License-Identifier: MIT
--
-- A tenant of the demo: a university whose alumni have their mail forwarded. A forwarder breaks SPF and
-- often the author's signature; mail of domains with p=reject would be lost. Forwarders that are
-- known by their own DKIM signature are trusted, each with its conditions in lists/forwarders.lua;
-- reports to domain owners then say "trusted_forwarder". Whatever else fails is left to the layers
-- below.

local moon <const> = require "moonscan"
local forwarders <const> = moon.list "forwarders"

local policy = {}

function policy.message(m)
  if m.dmarc.result ~= "fail" then
    return
  end
  local via <const> = forwarders:match(m)
  if via then
    return moon.accept { override = "trusted_forwarder", via = via }
  end
end

-- Complaints about our own mail must arrive, whatever the sender's records say.
policy.recipients = {
  abuse = function(m)
    return moon.accept { override = "local_policy", comment = "mail to abuse is always taken" }
  end,
}

return policy
