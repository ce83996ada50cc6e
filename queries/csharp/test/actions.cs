class A { void B() {} }
