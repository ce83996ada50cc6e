require "json"
#       ^^^^^^ json | * | -
require_relative "../shop/cart"
#                ^^^^^^^^^^^^^^ ../shop/cart | * | -
puts "x"
