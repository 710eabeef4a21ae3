# METADATA
# title: How a mock is told from a real value
# description: |
#   The account 000000000000, or the word mock where a name begins, in shapes that no real value of AWS has.
#   Mocks must carry the mark, and no plan may.
package lib.mock

mark := `\b0{12}\b|\b0{12}MOCK|Z0{12}MOCK|\bmock-|[._]mock0{3,}|\bmock0{5,}|\.mock\.`
