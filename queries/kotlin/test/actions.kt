fun a() {}
