<?php
class Cart extends Base {
//                 ^^^^ type
//    ^^^^ value
    public function sum(Money $start): Money {
//                      ^^^^^          ^^^^^ type
//                  ^^^        ^^^^^ value
        $other = new Money(1);
//                   ^^^^^ type
//       ^^^^^ value
        return Helper::plus(compute($other), $start->parts->join(LIMIT));
//                     ^^^^ ^^^^^^^                         ^^^^ call
//                                                   ^^^^^ member
//             ^^^^^^ type
//                                   ^^^^^    ^^^^^              ^^^^^ value
    }
}
