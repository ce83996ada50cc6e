<?php
// <-> units
// a comment
// <- comment
function sum() {
//             ^> block
//             ^> units
    $name = 'text';
//          ^^^^^^ string
    return 1;
}
