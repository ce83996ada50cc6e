<?php
class Cart extends Base {
// <-> definition.class
//    ^^^^ name
    private int $total = 0;
//  ^^^^^^^^^^^^^^^^^^^^^^^ definition.field
//              ^^^^^^ name
    const LIMIT = 3;
//  ^^^^^^^^^^^^^^^^ definition.constant
//        ^^^^^ name
    public function __construct(int $a) { $this->total = $a; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//                  ^^^^^^^^^^^ name
    public function sum(Money $start): Money { return $start; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//                  ^^^ name
}
interface Shop { public function sum(Money $start): Money; }
// <- definition.interface
//               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//        ^^^^                   ^^^ name
function free($x) { return $x; }
// <- definition.function
//       ^^^^ name
