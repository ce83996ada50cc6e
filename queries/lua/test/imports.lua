local cart = require("shop.cart")
--                   ^^^^^^^^^^^ shop.cart | * | -
local not_one = load("x")
