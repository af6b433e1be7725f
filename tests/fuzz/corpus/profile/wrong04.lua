return {
 dated = '2026-02-30', {} }