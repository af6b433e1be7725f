-- SPDX-License-Identifier: MIT
-- Moonscan's settings. `moonscan publish` checks this folder and puts it in force; nothing reads it
-- before that. `moonscan config --default` prints every setting with what it means.

return {
  -- Only watches: adds Authentication-Results and records what would have happened. Without this
  -- line the policy "standard" acts on mail that fails DMARC.
  policy = "monitor",
}
