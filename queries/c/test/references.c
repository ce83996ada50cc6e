struct pair *get(struct point *p, other_t o) {
//     ^^^^             ^^^^^     ^^^^^^^ type
//           ^^^               ^          ^ value
    int total = p->limit + compute(o.size);
//                         ^^^^^^^ call
//                 ^^^^^             ^^^^ member
//      ^^^^^   ^                  ^ value
    return p->ops.join(total, LIMIT);
//                ^^^^ call
//            ^^^ member
//         ^           ^^^^^  ^^^^^ value
}
