-- SPDX-License-Identifier: MIT
--
-- The built-in policy "strict": does what domain owners ask for. A message that fails DMARC under
-- reject is refused, and the reply says so (RFC 9989 section 7.2); under quarantine it is
-- quarantined; under none nothing happens. Mail that was forwarded without its signature surviving
-- is refused too: name trusted forwarders in a tenant's or the site's policy. So is a From field that
-- names no single domain, which would get around DMARC altogether (RFC 9989 section 11.5).

local moon <const> = require "moonscan"

local policy = {}

function policy.message(m)
  if not m.from.domain then -- several domains, none, or none that can be read: DMARC cannot protect
    return moon.reject {
      esc = "5.7.1",
      text = "the From field names no single domain (RFC 5322)",
      reason = "From names no single domain: " .. (m.from.reason or "unknown"),
    }
  end
  if m.dmarc.result ~= "fail" then
    return moon.accept {}
  end
  local asked <const> = m.dmarc.policy
  if asked == "reject" then
    return moon.reject {
      esc = "5.7.1",
      text = "rejected by the DMARC policy of " .. m.from.domain,
      reason = "DMARC policy of " .. m.from.domain .. " asks for reject",
    }
  end
  if asked == "quarantine" then
    return moon.quarantine { reason = "DMARC policy of " .. m.from.domain .. " asks for quarantine" }
  end
  return moon.accept {}
end

return policy
