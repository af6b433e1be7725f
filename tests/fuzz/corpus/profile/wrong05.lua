return {
 dated = '2026-13-01', {} }