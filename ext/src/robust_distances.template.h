/* The kernels of cdt_robust_distances.h for numbers of one type. */
#include "robust_distances_gram.template.h"
#include "robust_distances_apart.template.h"
#include "robust_distances_weigh.template.h"
#include "robust_distances_window.template.h"
