#include <stdio.h>
//       ^^^^^^^^^ stdio.h | * | -
#include "dir/own.h"
//       ^^^^^^^^^^^ dir/own.h | * | -
