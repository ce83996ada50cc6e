#define LIMIT 10
//      ^^^^^ definition.constant
#define TWICE(x) (2 * (x))
//      ^^^^^ definition.macro
//            ^ definition.parameter
// <- scope

typedef unsigned int number;
//                   ^^^^^^ definition.type

struct point { number x; };
//     ^^^^^ definition.struct
//             ^^^^^^ reference

enum color { RED, GREEN };
//   ^^^^^ definition.enum
//           ^^^  ^^^^^ definition.variant

static int count = LIMIT;
//         ^^^^^ definition.variable
//                 ^^^^^ reference

char *later(struct point *p, char **names, int sizes[], number n) {
//    ^^^^^ definition.function
//                        ^         ^^^^^      ^^^^^           ^ definition.parameter
//                 ^^^^^                                ^^^^^^ reference
// <-> scope
//                                                                ^> scope
    int a = p->x + n, *b = sizes, c[3];
//      ^              ^          ^ definition.variable
//          ^      ^       ^^^^^ reference
    for (int i = 0; i < a; i++) {
//           ^ definition.variable
//                  ^   ^  ^ reference
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^> scope
//                              ^> scope
        char d = names[i][0];
//           ^ definition.variable
//               ^^^^^ ^ reference
        earlier(TWICE(d), RED, *b, c[0]);
//      ^^^^^^^ ^^^^^ ^   ^^^   ^  ^ reference
    }
    return i + d + count;
//                 ^^^^^ reference
//         ^   ^ reference.free
}

void earlier(int a, enum color b, int c, int d) { unknown(a); }
//   ^^^^^^^ definition.function
//               ^             ^      ^      ^ definition.parameter
//                       ^^^^^                            ^ reference
//                                                ^^^^^^^ reference.free
// <- scope
//                                              ^^^^^^^^^^^^^^^ scope
