#include <stdio.h>

#define LIMIT 10
// <- definition.constant
//      ^^^^^ name
#define SQUARE(x) ((x) * (x))
// <- definition.macro
//      ^^^^^^ name

struct point {
// <-> definition.struct
//     ^^^^^ name
    float x, *y;
//  ^^^^^^^^^^^^ definition.field
//        ^   ^ name
    int values[3];
//  ^^^^^^^^^^^^^^ definition.field
//      ^^^^^^ name
};

union bits { int i; float f; };
//           ^^^^^^ ^^^^^^^^ definition.field
// <- definition.union
//    ^^^^       ^        ^ name

enum color { RED, GREEN = 2 };
// <- definition.enum
//           ^^^  ^^^^^^^^^ definition.variant
//   ^^^^^   ^^^  ^^^^^ name

typedef struct point point_t;
// <- definition.type
//                   ^^^^^^^ name
typedef void (*callback)(int);
// <- definition.type
//             ^^^^^^^^ name
typedef struct { int a; } *pair;
//               ^^^^^^ definition.field
// <- definition.type
//                   ^     ^^^^ name

static int count = 0;
// <- definition.variable
//         ^^^^^ name
char *names[LIMIT];
// <- definition.variable
//    ^^^^^ name
extern int *pointer;
// <- definition.variable
//          ^^^^^^^ name

int declared(int a);
// <- definition.function
//  ^^^^^^^^ name

static int free_standing(int a) {
// <-> definition.function
//         ^^^^^^^^^^^^^ name
    int local = a;
    return local;
}

char *pointed(void) { return 0; }
// <- definition.function
//    ^^^^^^^ name
