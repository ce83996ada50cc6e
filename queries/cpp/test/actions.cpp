class Shape {
// <-> type
  public:
    /// Its area.
    int area() { throw std::runtime_error("not implemented"); }
//              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ body
//  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ function documented empty
//               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ placeholder
    int &side() {}
//  ^^^^^^^^^^^^^^ function empty
};
