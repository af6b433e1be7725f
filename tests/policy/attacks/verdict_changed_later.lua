-- A verdict's fields changed after they were checked => verdict reject
-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"

return { message = function(m)
  local fields = { esc = "5.7.1", text = "no" }
  local verdict = moon.reject(fields)
  fields.esc = "2.0.0"
  fields.override = "nonsense"
  fields.headers = { "Bad Name\r\nX: y", 7, {} }
  fields.text = {}
  fields.tag = error
  return verdict
end }
