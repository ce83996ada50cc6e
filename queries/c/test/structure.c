#include <stdio.h>
//       ^^^^^^^^^ string
// <- unit
// <-> units

/* A point. */
// <- comment
struct point {
//           ^> block
//           ^> units
    float x; // across
//           ^^^^^^^^^ comment
//  ^^^^^^^^ unit
    float y;
//  ^^^^^^^^ unit
};

enum color { RED, GREEN = 'g' };
//         ^^^^^^^^^^^^^^^^^^^^ block
//                        ^^^ string
//           ^^^  ^^^^^^^^^^^ unit
//         ^^^^^^^^^^^^^^^^^^^^ units

#ifdef DEBUG
static const char *name = "debug";
//                        ^^^^^^^ string
// <- unit
#endif

int main(void) {
//             ^> block
// <-> unit
//             ^> units
    if (RED) return 1;
//  ^^^^^^^^^^^^^^^^^^ unit
//           ^^^^^^^^^ unit
    for (int i = 0; i < 3; i++) {
//                              ^> block
//       ^^^^^^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> unit
//       ^^^^^^^^^^ unit
//                              ^> units
        puts("x" "y");
//           ^^^ ^^^ string
//      ^^^^^^^^^^^^^^ unit
    }
    switch (GREEN) {
//                 ^> block
//  ^^^^^^^^^^^^^^^^> unit
//                 ^> units
    case 1:
//  ^^^^^^^> unit
        break;
//      ^^^^^^ unit
    default: {
//           ^> block
//  ^^^^^^^^^^> unit
//           ^> units
        goto end;
//      ^^^^^^^^^ unit
    }
    }
end:
// <-> unit
    return 0;
//  ^^^^^^^^^ unit
}
