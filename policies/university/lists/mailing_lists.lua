-- SPDX-License-Identifier: MIT
--
-- Mailing lists that change messages (a footer, a tag) and so break their authors' signatures. The
-- List-Id counts when the list's own domain has signed, or when the host is named.

return {
  { name = "Mathematics", list_id = ".lists.example", expires = "2030-12-31" },
}
