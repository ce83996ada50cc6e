#include <vector>
//       ^^^^^^^^ vector | * | -
#include "own.hpp"
//       ^^^^^^^^^ own.hpp | * | -
using std::string;
//         ^^^^^^ std | string | -
using namespace fmt;
//              ^^^ fmt | * | -
