-- Tables out of facts: they are copies => only copies
-- SPDX-License-Identifier: MIT
return { message = function(m)
  m.dmarc.tags.p = "none"
  m.recipients[1] = "evil@example"
  m.dkim[1].headers[1] = "evil"
  assert(m.dmarc.tags.p == "reject" and m.recipients[1] == "x@acme.example" and m.dkim[1].headers[1] == "from")
  error("only copies", 0)
end }
