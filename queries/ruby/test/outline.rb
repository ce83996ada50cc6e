module Shop
# <-> definition.module
#      ^^^^ name
  LIMIT = 10
# ^^^^^^^^^^ definition.constant
# ^^^^^ name
  class Cart < Base
# ^^^^^^^^^^^^^^^^^> definition.class
#       ^^^^ name
    def initialize(a)
#   ^^^^^^^^^^^^^^^^^> definition.constructor
#       ^^^^^^^^^^ name
      @a = a
    end
    def total
#   ^^^^^^^^^> definition.method
#       ^^^^^ name
      @a
    end
    def self.make
#   ^^^^^^^^^^^^^> definition.method
#            ^^^^ name
      new(1)
    end
  end
end

def free(x)
# <-> definition.function
#   ^^^^ name
  x
end
