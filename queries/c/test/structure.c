#include <stdio.h>
//       ^^^^^^^^^ string
// <- unit
// <-> units

/* A point. */
// <- comment
struct point {
//           ^> units
    float x; // across
//           ^^^^^^^^^ comment
//  ^^^^^^^^ unit
    float y;
//  ^^^^^^^^ unit
};

enum color { RED, GREEN = 'g' };
//                        ^^^ string
//           ^^^  ^^^^^^^^^^^ unit
//         ^^^^^^^^^^^^^^^^^^^^ units

#ifdef DEBUG
static const char *name = "debug";
//                        ^^^^^^^ string
// <- unit
#endif

int main(void) {
// <-> unit
//             ^> units
    if (RED) return 1;
//  ^^^^^^^^^^^^^^^^^^ unit
//           ^^^^^^^^^ unit
    for (int i = 0; i < 3; i++) {
//       ^^^^^^^^^^ part
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> unit
//       ^^^^^^^^^^ unit
//                              ^> units
        puts("x" "y");
//           ^^^ ^^^ string
//      ^^^^^^^^^^^^^^ unit
    }
    switch (GREEN) {
//  ^^^^^^^^^^^^^^^^> unit
//                 ^> units
    case 1:
//  ^^^^^^^> unit
        break;
//      ^^^^^^ unit
    default: {
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
