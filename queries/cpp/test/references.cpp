Result Point::get(const Other &other) {
// <- type
//     ^^^^^            ^^^^^ type
//            ^^^              ^^^^^ value
    auto total = limit_ + compute(other.size());
//                        ^^^^^^^       ^^^^ call
//       ^^^^^   ^^^^^^           ^^^^^ value
    return ns::join<int>(std::move(total), make<Pair>(1));
//             ^^^^           ^^^^         ^^^^ call
//         ^^            ^^^                    ^^^^ type
//                                 ^^^^^ value
}
