namespace geometry {
// <-> definition.module
//        ^^^^^^^^ name

constexpr int limit = 3;
// <- definition.variable
//            ^^^^^ name
using Number = double;
// <- definition.type
//    ^^^^^^ name

template <typename T>
concept Shape = true;
// <- definition.type
//      ^^^^^ name

enum class Color { Red, Green };
// <- definition.enum
//                 ^^^  ^^^^^ definition.variant
//         ^^^^^   ^^^  ^^^^^ name

class Point : public Base {
// <-> definition.class
//    ^^^^^ name
public:
    Point(int x) : x_(x) {}
//  ^^^^^^^^^^^^^^^^^^^^^^^ definition.constructor
//  ^^^^^ name
    Point();
//  ^^^^^^^^ definition.constructor
//  ^^^^^ name
    ~Point() {}
//  ^^^^^^^^^^^ definition.method
//  ^^^^^^ name
    int area() const { return x_; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//      ^^^^ name
    virtual void draw() = 0;
//  ^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//               ^^^^ name
    Point &operator+=(const Point &other);
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//         ^^^^^^^^^^ name
    const char *name() { return ""; }
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ definition.method
//              ^^^^ name

private:
    int x_;
//  ^^^^^^^ definition.field
//      ^^ name
    Number *y_;
//  ^^^^^^^^^^^ definition.field
//          ^^ name
};

template <typename T>
T maximum(T a, T b) { return a; }
// <- definition.function
//^^^^^^^ name

}

void geometry::Point::draw() {}
// <- definition.method
//   ^^^^^^^^^^^^^^^^^^^^^ name
std::string &access(int i) { return i; }
// <- definition.function
//           ^^^^^^ name
int main() { return 0; }
// <- definition.function
//  ^^^^ name
