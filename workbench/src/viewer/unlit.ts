/** NiiVue computes surface normals of every volume, which only its lit renderings use; gemel's is unlit. Where the browser draws in
 * software they take most of the time until the first picture, so their two passes are given a program that draws nothing.
 */

import type { Niivue } from "@niivue/niivue";

const NOWHERE = "#version 300 es\nvoid main() { gl_Position = vec4(2.0, 2.0, 2.0, 1.0); }";
const NOTHING = "#version 300 es\nprecision lowp float;\nout vec4 colour;\nvoid main() { colour = vec4(0.0); }";

/** Leaves the normals of volumes away from now on. */
export function unlit(nv: Niivue): void {
  const program = idle(nv.gl);
  const shader = { ...nv.blurShader, program, uniforms: {}, use: (gl: WebGL2RenderingContext) => gl.useProgram(program) };
  nv.blurShader = nv.sobelFirstOrderShader = shader as unknown as typeof nv.blurShader;
}

function idle(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  gl.attachShader(program, part(gl, gl.VERTEX_SHADER, NOWHERE));
  gl.attachShader(program, part(gl, gl.FRAGMENT_SHADER, NOTHING));
  gl.linkProgram(program);
  return program;
}

function part(gl: WebGL2RenderingContext, kind: number, text: string): WebGLShader {
  const shader = gl.createShader(kind);
  if (!shader) throw new Error("WebGL gave no shader");
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  return shader;
}
