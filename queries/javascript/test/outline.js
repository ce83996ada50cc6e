import fs from "fs";

const LIMIT = 10;
//    ^^^^^^^^^^ definition.constant
//    ^^^^^ name
let count = 0;
//  ^^^^^^^^^ definition.variable
//  ^^^^^ name
var legacy;
//  ^^^^^^ definition.variable
//  ^^^^^^ name
export const handler = async (event) => event, other = 2;
//                                             ^^^^^^^^^ definition.constant
//           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.function
//           ^^^^^^^                           ^^^^^ name

function free(a) {
// <-> definition.function
//       ^^^^ name
  const local = 1;
  function inner() {}
//^^^^^^^^^^^^^^^^^^^ definition.function
//         ^^^^^ name
}

function* numbers() {}
// <- definition.function
//        ^^^^^^^ name

export default class Point extends Base {
//             ^^^^^^^^^^^^^^^^^^^^^^^^^^> definition.class
//                   ^^^^^ name
  x = 0;
//^^^^^ definition.field
//^ name
  #hidden = 1;
//^^^^^^^^^^^ definition.field
//^^^^^^^ name
  onClick = () => {};
//^^^^^^^^^^^^^^^^^^ definition.method
//^^^^^^^ name
  constructor(x) { super(); }
//^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//^^^^^^^^^^^ name
  get double() { return this.x * 2; }
//^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//    ^^^^^^ name
  static make() {}
//^^^^^^^^^^^^^^^^ definition.method
//       ^^^^ name
}

const routes = {
//    ^^^^^^^^^^> definition.constant
//    ^^^^^^ name
  index: function () {},
//^^^^^^^^^^^^^^^^^^^^^ definition.method
//^^^^^ name
  show(id) {},
//^^^^^^^^^^^ definition.method
//^^^^ name
};
module.exports.run = function () {};
// <- definition.function
//             ^^^ name
const Named = class {};
//    ^^^^^^^^^^^^^^^^ definition.class
//    ^^^^^ name
