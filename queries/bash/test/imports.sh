source ./lib.sh
#      ^^^^^^^^ ./lib.sh | * | -
. "other.sh"
# ^^^^^^^^^^ other.sh | * | -
echo x
