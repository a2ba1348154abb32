// gmsh -1 -format msh41 bridge.geo -o bridge.msh
//
// Pratt truss: six panels of 4 m, 3 m high, so that every diagonal is a 3-4-5 triangle.
panel = 4;
height = 3;
For i In {0:6}
  Point(1 + i) = {i * panel, 0, 0};
EndFor
For i In {1:5}
  Point(7 + i) = {i * panel, height, 0};
EndFor

For i In {1:6}
  Line(i) = {i, i + 1}; // bottom chord
EndFor
For i In {1:4}
  Line(10 + i) = {7 + i, 8 + i}; // top chord
EndFor
Line(21) = {1, 8}; // end posts
Line(22) = {7, 12};
For i In {1:5}
  Line(30 + i) = {1 + i, 7 + i}; // verticals
EndFor
Line(41) = {8, 3}; // diagonals
Line(42) = {9, 4};
Line(43) = {11, 4};
Line(44) = {12, 5};

Transfinite Curve {:} = 2; // one element a bar
Physical Curve("chord") = {1:6, 11:14};
Physical Curve("web") = {21, 22, 31:35, 41:44};
Physical Point("pin") = {1};
Physical Point("roller") = {7};
Physical Point("deck") = {2:6};
Physical Point("midspan") = {4};
