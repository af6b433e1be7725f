-- SPDX-License-Identifier: MIT
return { { name = "alumni", dkim = "alumni.example", expires = "2026-12-31" } }
