/** Adds. */
int add(int a, int b) {
//                     ^> body
// <-> function documented
    return a + b;
}

struct point {
// <-> type
    int x;
};

char *empty(void) {
//                 ^> body
// <-> function empty
    /* Later. */
}
