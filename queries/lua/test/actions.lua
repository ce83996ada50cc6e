function a()
end
