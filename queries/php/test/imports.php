<?php
use App\Shop\Cart;
//           ^^^^ App\Shop | Cart | -
use App\Money;
//      ^^^^^ App | Money | -
require_once 'lib/helper.php';
//           ^^^^^^^^^^^^^^^^ lib/helper.php | * | -
