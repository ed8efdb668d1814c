/* The end of what is defined for one type of fields. */
#undef FIELD
#undef FIELDS
#undef COUNT
#undef LARGEST
#undef LEAST_GAIN
#undef SUM
#undef AT_MOST
#undef HIGHER
#undef LOWER
#undef HIGHEST_OF
#undef ANY_AT_LEAST
#undef DRAW
#undef WIDENED_TO_FIELDS
#undef COST
#undef COSTS
#undef LIMITS
