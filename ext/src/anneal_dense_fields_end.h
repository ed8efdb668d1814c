/* The end of what is defined for one type of fields. */
#undef FIELD
#undef FIELDS
#undef COUNT
#undef MASK
#undef LARGEST
#undef LEAST_GAIN
#undef SUM
#undef AT_MOST
#undef LOWER
#undef DRAW
#undef WIDENED_TO_FIELDS
#undef WIDENED_TO_MASK
#undef COST
