import java.util.List;
//               ^^^^ java.util | List | -
import java.io.*;
//     ^^^^^^^ java.io | * | -
import static org.junit.Assert.assertEquals;
//                             ^^^^^^^^^^^^ org.junit.Assert | assertEquals | -
