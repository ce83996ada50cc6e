<?php
function sum($start) {
//       ^^^ definition.function
//           ^^^^^^ definition.parameter
// <-> scope
    $total = $start;
//  ^^^^^^ definition.variable
//           ^^^^^^ reference
    return $total + $other;
//         ^^^^^^ reference
//                  ^^^^^^ reference.free
}
