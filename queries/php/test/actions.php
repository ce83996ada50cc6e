<?php
function a() {}
