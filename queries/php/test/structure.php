<?php
// <-> units
// a comment
// <- comment
function sum() {
//             ^> units
    $name = 'text';
//          ^^^^^^ string
    return 1;
}
