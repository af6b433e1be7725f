-- SPDX-License-Identifier: MIT
--
-- Lists of other hosts that are subscribed to lists of ours ("umbrella" lists): their mail comes with
-- broken signatures of its authors.

return {
  { name = "Announcements of the federation", list_id = "announce.federation.example", expires = "2030-12-31" },
}
