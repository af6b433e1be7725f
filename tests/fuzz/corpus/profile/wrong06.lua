return {
 dated = 20260101, {} }