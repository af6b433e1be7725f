-- SPDX-License-Identifier: MIT
--
-- What the requirements of a profile mean. Each rule looks at a message and answers true (met),
-- false (not met), or nil: nobody can tell (DNS is in trouble), which is held against nobody.

local rules = {}

-- SPF passes for the envelope sender (for the HELO name of a bounce).
function rules.spf(m)
  if m.spf.result == "temperror" then return nil end
  return m.spf.result == "pass"
end

-- A DKIM signature passes, whoever's it is.
function rules.dkim(m)
  if m.dkim.result == "temperror" then return nil end
  return m.dkim.result == "pass"
end

function rules.spf_or_dkim(m)
  local spf, dkim = rules.spf(m), rules.dkim(m)
  if spf or dkim then return true end
  if spf == nil or dkim == nil then return nil end
  return false
end

-- The Author Domain has a DMARC policy: p=none is one.
function rules.dmarc_record(m)
  if m.dmarc.published ~= "" then return true end
  if m.dmarc.result == "temperror" then return nil end
  return false
end

-- What passed is the author's: DMARC passes or, without a record, SPF or DKIM of his organization.
function rules.aligned(m)
  if m.dmarc.result == "pass" then return true end
  if m.dmarc.result == "temperror" or rules.spf_or_dkim(m) == nil then return nil end
  return m.dmarc.published == "" and m.sender.organizational_domain ~= nil
end

-- Every signature of the author's own passes, not only one of them.
function rules.all_aligned_signatures(m)
  local open = false
  for i = 1, #m.dkim do
    local sig = m.dkim[i]
    if sig.aligned and sig.result == "temperror" then
      open = true
    elseif sig.aligned and sig.result ~= "pass" then
      return false
    end
  end
  if open then return nil end
  return true
end

-- Behind a gateway of ours nobody knows how the client reached it.
function rules.tls(m)
  if m.session.hop then return nil end
  return m.session.tls ~= nil
end

-- The address has a name, and the name has the address. Exim looks when host_lookup says so; a
-- gateway of ours may or may not have looked.
function rules.reverse_dns(m)
  if m.session.iprev == "pass" then return true end
  if m.session.hop then return nil end
  return false
end

function rules.one_author(m)
  return not m.from.ambiguous
end

-- Sent to subscribers: it says how to unsubscribe, or that it is bulk. A list that one can write to
-- (List-Post) is a discussion, not a mailing.
local function subscribed(m)
  local post = m.header("List-Post")
  if post and not post:upper():match("^%s*NO%f[%W]") then return false end
  local precedence = m.header("Precedence")
  return m.list.unsubscribe ~= nil or
    (precedence ~= nil and precedence:lower():match("^%s*bulk%s*$") ~= nil)
end

-- What goes to subscribers can be unsubscribed with one click (RFC 8058), under a signature.
function rules.one_click(m)
  return not subscribed(m) or m.list.one_click
end

-- --- asking a profile -----------------------------------------------------------------------------

-- `host`: note(text), bulk(messages, sticky), closed(table, name), from the program.
local function make(host, profile)

  local function applies()
    if not profile.bulk then return false end
    return host.bulk(profile.bulk.messages, profile.bulk.sticky or false)
  end

  local function met(requirement, m)
    local holds = requirement.holds or rules[requirement.requirement]
    return holds(m) ~= false
  end

  local function describe(requirement, m)
    local domain = m.from.domain or "the author"
    return host.closed({
      profile = profile.name,
      requirement = requirement.requirement,
      of = requirement.of,
      esc = requirement.esc or profile.esc,
      text = requirement.text:gsub("{domain}", function() return domain end),
      advice = requirement.advice or false,
    }, "what is unmet")
  end

  -- All that is not met; only the first that is no advice when `first` says so.
  local function look(m, bulk, first)
    local found, words = {}, {}
    if bulk == nil then bulk = applies() end
    for _, requirement in ipairs(profile.requires) do
      if (requirement.of == "all" or bulk) and not (first and requirement.advice) and
        not met(requirement, m) then
        table.insert(found, describe(requirement, m))
        table.insert(words, requirement.requirement)
        if first then break end
      end
    end
    local who = bulk and "bulk sender" or bulk == nil and "volume unknown" or "no bulk sender"
    host.note(profile.name .. ": " .. who .. ", unmet=" .. (words[1] and table.concat(words, ",") or "none"))
    return found
  end

  return {
    applies = function(m) return applies() end,
    check = function(m, bulk) return look(m, bulk, true)[1] end,
    unmet = function(m, bulk) return look(m, bulk, false) end,
  }
end

return { rules = rules, make = make }
