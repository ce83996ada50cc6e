def a
end
