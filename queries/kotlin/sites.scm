; Calls and signatures are not told yet: only names are carried.
