import Foundation
//     ^^^^^^^^^^ Foundation | * | -
import app.Shop
//     ^^^^^^^^ app.Shop | * | -
