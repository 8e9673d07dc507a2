"""Language beside pictures: texts as tokens, by the tokenizers of other libraries."""
