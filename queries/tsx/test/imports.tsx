import { one } from "./one";
//       ^^^ ./one | one | -
