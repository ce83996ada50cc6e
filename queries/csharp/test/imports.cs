using System;
//    ^^^^^^ System | * | -
using System.Collections.Generic;
//    ^^^^^^^^^^^^^^^^^^^^^^^^^^ System.Collections.Generic | * | -
class A {}
