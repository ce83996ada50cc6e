import java.util.List
//     ^^^^^^^^^^^^^^ java.util.List | * | -
import app.shop.Cart
//     ^^^^^^^^^^^^^ app.shop.Cart | * | -
